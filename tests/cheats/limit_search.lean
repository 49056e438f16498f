-- cheat: searches the library, at another cost in every process
-- wall: gate
-- statement: : False
by exact?
