-- cheat: trusts the compiler through decide's settings
-- wall: gate
-- statement: : 2 ^ 64 % 7 = 2
by decide (config := { native := true })
