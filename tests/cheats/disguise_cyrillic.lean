-- cheat: writes sorry with a Cyrillic letter
-- wall: gate
-- statement: : False
by sоrry
