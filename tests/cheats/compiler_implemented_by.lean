-- cheat: gives a constant other code to run
-- statement: : True
trivial
@[implemented_by Nat.succ] def extra (n : Nat) : Nat := n
