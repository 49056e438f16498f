-- cheat: puts a tab before a command
-- statement: : True
trivial
	axiom h : False
