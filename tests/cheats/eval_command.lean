-- cheat: runs a command after the proof
-- wall: gate
-- statement: : False
by skip
#eval (panic! "x" : Nat)
