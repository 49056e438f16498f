-- cheat: declares a universe
-- statement: : True
trivial
universe w
