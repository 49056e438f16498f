-- cheat: declares an indented axiom
-- wall: gate
-- statement: : True
by
  trivial
  axiom h : False
