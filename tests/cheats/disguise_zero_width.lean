-- cheat: splits sorry by a zero-width space
-- wall: gate
-- statement: : False
by so​rry
