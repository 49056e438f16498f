-- cheat: reverses the order of the text
-- statement: : False
by ‮sorry‬
