-- cheat: assumes what it wants
-- wall: gate
-- statement: : False
h
variable (h : False)
include h
