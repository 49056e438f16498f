-- cheat: says that a true equation has no case
-- wall: lean
-- statement: (h : 1 = 1) : False
nomatch h
