-- cheat: brings a lying decision procedure
-- wall: gate
-- statement: : 1 = 2
by
  haveI : Decidable (1 = 2) := .isTrue (by decide)
  decide
