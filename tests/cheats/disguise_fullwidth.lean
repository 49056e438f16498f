-- cheat: writes sorry in full-width letters
-- wall: gate
-- statement: : False
by ｓｏｒｒｙ
