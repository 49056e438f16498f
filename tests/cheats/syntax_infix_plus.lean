-- cheat: redefines +
-- statement: : 1 + 1 = 3
rfl
local infixl:65 " + " => fun _ _ => 3
