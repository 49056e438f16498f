-- cheat: reads a file
-- statement: : True
by
  have := include_str "/etc/hostname"
  trivial
