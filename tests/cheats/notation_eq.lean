-- cheat: changes what = is written for
-- wall: gate
-- statement: : 1 = 2
trivial
local infix:50 " = " => fun _ _ => True
