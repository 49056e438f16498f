-- cheat: puts a tab before a command
-- wall: gate
-- statement: : True
trivial
	axiom h : False
