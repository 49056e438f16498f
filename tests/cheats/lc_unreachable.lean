-- cheat: claims that this is never reached
-- wall: gate
-- statement: : False
lcUnreachable
