-- cheat: lets a number swallow the r of a raw string, so that a command is hidden in a string
-- wall: gate
-- statement: : True
by
  first | trivial | exact 1r"\" 
axiom h : False --"
