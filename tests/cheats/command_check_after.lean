-- cheat: asks #check
-- wall: gate
-- statement: : True
trivial
#check Nat
