-- cheat: splits sorry by a zero-width space
-- statement: : False
by so​rry
