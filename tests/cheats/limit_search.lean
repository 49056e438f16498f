-- cheat: searches the library, at another cost in every process
-- statement: : False
by exact?
