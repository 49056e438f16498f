-- cheat: trusts compiled code through decide's configuration
-- statement: : 2 ^ 64 % 7 = 2
by decide +native
