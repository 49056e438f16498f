-- cheat: hides a command behind a letter that older Leans lack
-- wall: gate
-- statement: : 1 = 2
éaxiom h : 1 = 2
