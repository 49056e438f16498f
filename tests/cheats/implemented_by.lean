-- cheat: swaps an implementation in
-- wall: gate
-- statement: : 1 = 2
by native_decide
@[implemented_by Nat.zero] def x : Nat := 1
