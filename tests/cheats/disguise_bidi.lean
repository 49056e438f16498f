-- cheat: reverses the order of the text
-- wall: gate
-- statement: : False
by ‮sorry‬
