-- cheat: declares an indented axiom
-- statement: : True
by
  trivial
  axiom h : False
