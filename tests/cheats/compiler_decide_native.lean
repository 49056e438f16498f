-- cheat: trusts compiled code through decide's configuration
-- wall: gate
-- statement: : 2 ^ 64 % 7 = 2
by decide +native
