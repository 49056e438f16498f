-- cheat: declares a universe
-- wall: gate
-- statement: : True
trivial
universe w
