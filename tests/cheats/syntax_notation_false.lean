-- cheat: makes False a notation for True
-- wall: gate
-- statement: : False
trivial
local notation "False" => True
