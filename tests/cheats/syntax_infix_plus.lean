-- cheat: redefines +
-- wall: gate
-- statement: : 1 + 1 = 3
rfl
local infixl:65 " + " => fun _ _ => 3
