-- cheat: evaluates while elaborating
-- wall: gate
-- statement: : False
by exact (eval% (1 : Nat)).elim
