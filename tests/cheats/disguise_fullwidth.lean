-- cheat: writes sorry in full-width letters
-- statement: : False
by ｓｏｒｒｙ
