-- cheat: reaches sorry when all else fails
-- wall: gate
-- statement: : False
by
  first
  | omega
  | decide
  | sorry
