-- cheat: writes decide's configuration in the old way
-- wall: gate
-- statement: : 2 ^ 64 % 7 = 2
by decide (config := { native := true })
