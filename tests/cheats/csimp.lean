-- cheat: replaces code by an unproved equation
-- wall: gate
-- statement: : 1 = 2
by decide
@[csimp] theorem t : @Nat.add = @Nat.mul := sorry
