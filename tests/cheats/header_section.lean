-- cheat: closes the judge's own section and opens the door
-- wall: gate
-- statement: : 1 = 2
-- header: end\naxiom h : 1 = 2
h
