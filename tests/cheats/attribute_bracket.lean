-- cheat: sets an attribute with @[
-- wall: gate
-- statement: : 1 = 2
by simp
@[local simp] private theorem x : 1 = 2 := sorry
