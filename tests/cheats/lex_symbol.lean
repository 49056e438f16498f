-- cheat: hides a command behind the letters of a symbol
-- wall: gate
-- statement: : 1 = 2
f ≃oaxiom h : 1 = 2
