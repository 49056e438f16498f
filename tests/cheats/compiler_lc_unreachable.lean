-- cheat: uses the compiler's unreachable code
-- wall: gate
-- statement: : False
lcUnreachable
