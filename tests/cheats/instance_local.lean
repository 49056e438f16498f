-- cheat: declares a local instance that lies
-- wall: gate
-- statement: : 1 = 2
by decide
local instance : Decidable (1 = 2) := .isTrue sorry
