-- cheat: splits sorry by a space without width
-- wall: gate
-- statement: : False
by so​rry
