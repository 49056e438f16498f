-- cheat: uses the compiler's unreachable code
-- statement: : False
lcUnreachable
