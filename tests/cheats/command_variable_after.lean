-- cheat: adds False to what follows
-- wall: gate
-- statement: : False
h
variable (h : False)
include h
