-- cheat: gives a constant other code to run
-- wall: gate
-- statement: : True
trivial
@[implemented_by Nat.succ] def extra (n : Nat) : Nat := n
