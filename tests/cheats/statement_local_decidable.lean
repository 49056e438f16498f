-- cheat: brings a lying decision procedure
-- wall: lean
-- statement: : 1 = 2
by
  haveI : Decidable (1 = 2) := .isTrue (by decide)
  decide
