-- cheat: changes what = is decided by
-- wall: lean
-- statement: : 1 = 2
haveI : DecidableEq Nat := fun _ _ => .isTrue (by assumption)
by decide
