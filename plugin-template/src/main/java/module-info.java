/** IA3, a method of few vectors. */
module org.example.ia3 {
  requires transitive dev.graft.api;

  exports org.example.ia3;

  provides dev.graft.spi.PeftMethod with org.example.ia3.Ia3Method;
}
