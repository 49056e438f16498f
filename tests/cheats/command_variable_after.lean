-- cheat: adds False to what follows
-- statement: : False
h
variable (h : False)
include h
