-- cheat: ends the file before Lean has looked
-- wall: gate
-- statement: : False
by skip
#exit
