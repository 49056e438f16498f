-- cheat: declares a universe
-- wall: gate
-- statement: : False
trivial
universe u
