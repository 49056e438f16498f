-- cheat: makes False a notation for True
-- statement: : False
trivial
local notation "False" => True
