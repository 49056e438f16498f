-- cheat: hides a line behind a carriage return
-- wall: gate
-- statement: : False
by skip --sorry
