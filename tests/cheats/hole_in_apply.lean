-- cheat: applies with goals left over
-- wall: lean
-- statement: : False
by
  apply absurd
  case h₁ => exact (rfl : 1 = 1)
